"""What was measured, as tables, pictures and files. Nothing here runs a program or reads a clock."""
