"""Turns results into documents. Reads the domain of matrix/, knows no container, no database and no web."""
