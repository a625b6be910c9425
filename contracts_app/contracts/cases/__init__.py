"""After the registration was decided: change, cancellation, revocation and objection."""
