"""What was agreed about the life of a contract, apart from the code: who moves it from where to where."""

from itertools import product

from contracts_app.accounts.roles import Role

# move, from, to, who (domain facts 1.8, as far as registration goes)
THE_RULES = """
accept                 submitted   accepted    registrar
ask_correction         accepted    correction  registrar
ask_correction         submitted   correction  registrar
ask_correction_second  reviewed    correction  reviewer
check                  reviewed    checked     reviewer
not_accept             submitted   not_accepted registrar
record_expert          expert      reviewed    reviewer
register_large         checked     registered  manager
register_large         checked     registered  reviewer
return_check           checked     reviewed    manager
return_check           checked     reviewed    reviewer
send_to_expert         reviewed    expert      reviewer
refuse                 reviewed    refused     reviewer
register               reviewed    registered  reviewer
resubmit               correction  submitted   broker
resubmit               correction  submitted   registrar
return_review          reviewed    accepted    reviewer
review                 accepted    reviewed    registrar
submit                 draft       submitted   broker
submit                 draft       submitted   registrar
withdraw               correction  withdrawn   broker
withdraw               correction  withdrawn   registrar
withdraw               submitted   withdrawn   broker
withdraw               submitted   withdrawn   registrar
"""
# What stays in its state, and a decision taken back by whoever made it: move, from, to, who.
STAYING = """
extend   accepted reviewed expert checked                                  reviewer manager
archive  registered refused not_accepted withdrawn cancelled revoked       registrar
"""
# About a case (domain facts 1.7, 1.8); how they are made stands in test_cases: move, from, to, who.
CASES = """
ask_change          registered           changing                                  broker registrar
ask_cancellation    registered           cancelling                                broker registrar
review_case         changing             changing                                  registrar
review_case         cancelling           cancelling                                registrar
record_change_expert changing            changing                                  reviewer
grant_change        changing             registered                                reviewer manager
grant_cancellation  cancelling           cancelled                                 reviewer
deny_case           changing|cancelling  registered                                reviewer
withdraw_case       changing|cancelling  registered                                broker registrar
open_revocation     registered           revoking                                  reviewer
record_hearing      revoking             revoking                                  registrar reviewer
revoke              revoking             revoked                                   reviewer manager
close_revocation    revoking             registered                                reviewer manager
object              refused|registered   objection                                 broker registrar
object_by_authority refused|registered   objection                                 registrar reviewer
decide_objection    objection            refused|registered|accepted|revoking      reviewer manager
withdraw_objection  objection            refused|registered                        broker registrar reviewer
"""
UNDONE = """
correction    submitted accepted reviewed
not_accepted  submitted
accepted      submitted reviewed accepted
reviewed      accepted checked expert reviewed
expert        reviewed expert
checked       reviewed checked
refused       reviewed
"""


def _agreed():
    for line in THE_RULES.strip().splitlines():
        yield tuple(line.split())
    for name, *words in map(str.split, STAYING.strip().splitlines()):
        for state in set(words) - set(Role):
            yield from ((name, state, state, role) for role in set(words) & set(Role))
    for source, *targets in map(str.split, UNDONE.strip().splitlines()):
        for target in targets:
            yield from (("undo", source, target, role) for role in ("registrar", "reviewer", "manager"))
    for name, sources, targets, *roles in map(str.split, CASES.strip().splitlines()):
        yield from ((name, *ends, role) for ends in product(sources.split("|"), targets.split("|")) for role in roles)


AGREED = sorted(_agreed())
OF_CASES = {line.split()[0] for line in CASES.strip().splitlines()}
BEFORE_CASES = [row for row in AGREED if row[0] not in OF_CASES]
