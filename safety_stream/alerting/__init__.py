"""The way out: findings to people. What is said, to whom, and why, or why not."""
