"""What article pages ask on every view, answered from memory before the framework; and how that memory is kept true."""
