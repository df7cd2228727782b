"""The rules, pure: values in, values out, the standard library and nothing else.

No rule reads a clock, a file or a database; instants come in aware and go out in UTC.
"""
