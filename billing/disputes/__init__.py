"""What banks do about charges: disputes and fraud warnings. Renewals stop, evidence is stored, staff get a case, the ledger follows."""
