"""Small programs that ask from elsewhere: for a publisher's own site, to import or to copy. They know nothing of the house."""
