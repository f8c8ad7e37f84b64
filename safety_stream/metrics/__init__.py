"""WHAT IS SHOWN: every metric in one table, made from it; numbers too small for the open view are not shown as such."""
