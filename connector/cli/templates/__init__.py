"""What ``eslabon init`` writes, one folder tree per language."""
