"""What was counted, published and planned. What all of it stands on lies here, the rest in corners."""
