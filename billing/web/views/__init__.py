"""What each page needs, as plain values: one frozen class a page, named after its template.

Days are civil dates in the publisher's zone, instants are aware, money includes VAT unless its name says otherwise.
"""
