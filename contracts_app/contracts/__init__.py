"""Technology contracts. What everybody needs and what ties it together stands here, the rest in corners."""
