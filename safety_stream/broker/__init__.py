"""The broker as every process of ours sees it: connection, the table of topics, publishing and reading. No Faust."""
