"""Delimited files (CSV) from a drop folder, as spreadsheets and plant systems export them."""
