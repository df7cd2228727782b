"""What banks do about charges: disputes and fraud warnings. Renewals stop, evidence is kept, staff are told, the books follow."""
