"""What makes Faust keep its word: each class names the defect it answers and the test that fails without it."""
