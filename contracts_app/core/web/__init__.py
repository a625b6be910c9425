"""What a page meets and uses: headers, limits, the menu, lists, form fields, how values are shown."""
