"""What is drawn: charts, pages set with their fonts, pictures of pages."""
