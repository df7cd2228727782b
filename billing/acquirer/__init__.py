"""The port to an acquirer: what is asked of one, what it answers, and how we treat one that is away."""
