"""What falls due: claim, notify, charge, settle, decline."""
