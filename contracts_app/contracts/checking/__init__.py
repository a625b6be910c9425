"""What is found about a contract: rules as data, the small tests they name, and trying a set of rules."""
