"""The port to an acquirer: requests, answers, capabilities, and how we treat one that is away."""
