"""What a reader holds: plans, prices, subscriptions and the one door through which they change."""
