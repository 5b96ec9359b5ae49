"""What two parties settled about one dataset, and how they got there."""
