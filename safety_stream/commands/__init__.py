"""The commands of the command line, one thin function each; what they do stands in the rooms below."""
