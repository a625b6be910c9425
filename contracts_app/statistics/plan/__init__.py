"""What plans and other documents say, beside what the system counts: indicators, published figures, seven counters."""
