"""What each page needs, as values: one frozen class a page, which names its template.

Days are civil dates in the publisher's zone, instants are aware. Money includes VAT unless its name says otherwise.
"""
