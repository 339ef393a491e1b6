"""Reason codes of a delivery's own course: crashes, deadlines, order among versions, decisions of people."""

from delivery.failures.entry import Button, Failure, Owner

LOOKED = "The chart is looked at before anything is sent again; nothing is resent blindly."

FAILURES = (
    Failure(
        "crash",
        "A worker stopped in the middle of sending",
        f"The program that was sending this note ended before it could write down the outcome. {LOOKED}",
        Owner.US,
        "Wait for the look into the chart. If it comes often, look at this machine's memory and logs.",
        Button.VERIFY,
    ),
    Failure(
        "retract_requested",
        "The scribe withdrew this note after it was sent",
        "The scribe asked to withdraw the note, or left this part out of a newer version, when it was on its way or in "
        "the chart already. What stands in the chart stays there until a person removes it.",
        Owner.PRACTICE,
        "Open the visit in eCW and strike the note there, or the part left out, as your practice does with notes "
        "charted in error; then say so here.",
    ),
    Failure(
        "struck_in_chart",
        "Withdrawn, and struck in the chart",
        "The scribe withdrew the note after it was charted, and a person says that it is struck there; the audit log "
        "says who. The chart is not read again.",
        Owner.PRACTICE,
        "Nothing to do.",
    ),
    Failure(
        "lease_expired",
        "A worker fell silent in the middle of sending",
        f"The worker's time on its lane ran out without an outcome, and another one took over. {LOOKED}",
        Owner.US,
        "Wait for the look into the chart.",
        Button.VERIFY,
    ),
    Failure(
        "recovery_mode",
        "The database was restored from an older state",
        f"After a restore nobody knows what the lost hours had sent. {LOOKED}",
        Owner.IT,
        "Work through the notes with an unknown outcome; sending goes on as they are settled.",
        Button.VERIFY,
    ),
    Failure(
        "deadline",
        "It could not be sent before its deadline",
        "The time within which the note should have gone is over. It was not sent.",
        Owner.PRACTICE,
        "Settle the cause (see the attempts), then decide whether it still goes.",
        Button.DECIDE,
    ),
    Failure(
        "poison",
        "Three crashes while sending this very note",
        "A worker died three times at this note, so it is kept away from the others.",
        Owner.US,
        "Report it to us with the delivery's number; look into the chart before deciding.",
        Button.DECIDE,
    ),
    Failure(
        "blind_receiver",
        "Outcome unknown, and the chart cannot be asked",
        "The note may have arrived, but no reading connection here is proven to find a fresh note.",
        Owner.PRACTICE,
        "Open the visit in eCW and look. Then say which it is: in the chart, or not there.",
        Button.DECIDE,
    ),
    Failure(
        "never_understood",
        "The receiver's answers are not understood",
        "Six times it said yes without saying that it took this note, or filled its visit's template, and each time "
        "the chart showed nothing of it. It is not sent again by itself.",
        Owner.ECW,
        "Show eCW the answers kept with the attempts. Where it cannot fill templates, say so on the connection. "
        "Then look at the visit and decide.",
        Button.DECIDE,
    ),
    Failure(
        "superseded",
        "A newer version of the note goes instead",
        "The scribe sent a newer version before this one had left.",
        Owner.SCRIBE,
        "Nothing to do: look at the newer version.",
    ),
    Failure(
        "went_by_next_route",
        "It went by the location's next way instead",
        "Its own way refused it, or could not take it for as long as the location allows, and nothing of it had "
        "arrived. A new delivery took its place; it stands under “Same note”.",
        Owner.IT,
        "Look at the new delivery, and at the timeline for why the first way failed.",
    ),
    Failure(
        "fell_back_refused",
        "In place of a delivery that was refused",
        "The location's first way refused this part, so it goes by the next one, as the location is set up.",
        Owner.IT,
        "Nothing to do for this note. Look at why the first way refused it.",
    ),
    Failure(
        "another_way_by_person",
        "In place of a delivery that was stopped",
        "A person sent this part by another of the location's ways; what it was stopped for stands with the delivery "
        "that it replaces.",
        Owner.IT,
        "Nothing to do for this note. Look at why the first way was stopped.",
    ),
    Failure(
        "fell_back_unreachable",
        "In place of a delivery that could not be sent",
        "The location's first way could not be used for as long as the location allows, and no byte of this part had "
        "left, so it goes by the next one.",
        Owner.IT,
        "Repair the connection that the replaced delivery names.",
        Button.CONNECTION,
    ),
    Failure(
        "cancelled_by_person",
        "Called off by a person",
        "A person called this delivery off before it was sent; the audit log says who and why.",
        Owner.PRACTICE,
        "Nothing to do. To send it after all, send it as a new delivery.",
        Button.REPLAY,
    ),
    Failure(
        "preparation_failed",
        "The message could not be made",
        "Scribeport itself failed while it made this note's message. It is tried again alone, and needs a decision "
        "after the third time; other notes go on. Nothing of it was sent.",
        Owner.US,
        "Report it with the number of the delivery.",
    ),
    Failure(
        "awaits_review",
        "Waits for a clinician",
        "This location, or its pilot, holds every note until a clinician has looked at it. Nothing of it was sent.",
        Owner.PRACTICE,
        "A clinician opens it by Review, changes it where needed, and releases it or rejects it.",
        Button.NONE,
    ),
    Failure(
        "outside_pilot",
        "Its provider is not in the pilot yet",
        "The location's pilot has not come to this provider. The note is kept; nothing of it was sent.",
        Owner.PRACTICE,
        "Nothing to do: it goes by itself when its provider joins. It can be entered by hand and cancelled here.",
        Button.PILOT,
    ),
    Failure(
        "pilot_stepped_back",
        "Its provider left the pilot, which stepped back",
        "The pilot's numbers broke, or a director narrowed it, while this note waited to be sent. It is kept; nothing "
        "of it was sent.",
        Owner.PRACTICE,
        "Look at the pilot's numbers. It goes by itself when its provider joins again.",
        Button.PILOT,
    ),
    Failure(
        "pilot_too_old",
        "Held too long for the pilot to let it go",
        "Its provider has joined, but the note waited longer than the pilot lets notes go by themselves: the visit may "
        "have been charted by hand meanwhile. Nothing of it was sent.",
        Owner.PRACTICE,
        "Look at the visit in eCW. Release it where the note is missing there; else cancel it.",
        Button.RELEASE,
    ),
    Failure(
        "rejected_by_clinician",
        "Rejected by a clinician",
        "A clinician decided that this note does not go into the chart; the audit log says who and why.",
        Owner.PRACTICE,
        "Nothing to do. The scribe may post a further version.",
        Button.REPLAY,
    ),
    Failure(
        "held_by_person",
        "Held by a person",
        "A person stopped this delivery; the audit log says who and why. Nothing of it was sent.",
        Owner.PRACTICE,
        "Release it when it may go.",
        Button.RELEASE,
    ),
    Failure(
        "released_by_person",
        "Released by a person",
        "A person let this delivery go; the audit log says who and why.",
        Owner.PRACTICE,
        "Nothing to do.",
    ),
    Failure(
        "found_by_person",
        "A person found it in the chart",
        "A person looked into the chart and said that the note is there; the audit log says who and why.",
        Owner.PRACTICE,
        "Nothing to do: it is read back like any other, where the location can be read.",
    ),
    Failure(
        "not_there_by_person",
        "A person found that it is not in the chart",
        "A person looked into the chart and said that the note is not there. The same bytes go again.",
        Owner.PRACTICE,
        "Nothing to do.",
    ),
    Failure(
        "replay",
        "Sent again as a new delivery",
        "A person had the note filed again; the audit log says who and why.",
        Owner.PRACTICE,
        "Nothing to do.",
    ),
    Failure(
        "older_version",
        "An older version came after a newer one",
        "The scribe sent this version when a newer one had already come, so it is kept and not sent.",
        Owner.SCRIBE,
        "Nothing to do: look at the newer version.",
    ),
    Failure(
        "retracted",
        "The scribe withdrew the note",
        "The scribe asked to withdraw the note, or left this part out of a newer version, before it was sent.",
        Owner.SCRIBE,
        "Nothing to do. If a part is already in the chart, retract it there.",
    ),
    Failure(
        "older_version_waits",
        "Waits for an earlier note of this visit",
        "An earlier note of the same encounter has not been settled, and the order must be kept.",
        Owner.PRACTICE,
        "Settle the earlier one; this goes by itself afterwards.",
    ),
)
