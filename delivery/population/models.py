"""What is kept of each time eCW was to make a visit's note of a template: the intent before, the outcome after."""

from django.db import models

from portal.models import Connection

FILLED, FOUND = "filled", "found"
STANDS = (FILLED, FOUND)  # the visit's note is made of the template


class Population(models.Model):
    """One call that was to fill a visit's template, committed before its first byte left, and what came of it.

    `outcome`: filled, found (it stood there already, no call was made), refused, unavailable (nothing left), no_answer;
    "" while it is under way, or was when its worker died: then the chart is read before it is called again.
    """

    delivery = models.ForeignKey("delivery.Delivery", on_delete=models.CASCADE, related_name="populations")
    attempt = models.PositiveIntegerField()  # the attempt at sending that it comes before
    connection = models.ForeignKey(Connection, on_delete=models.PROTECT, related_name="+")
    encounter_bidx = models.CharField(max_length=32)
    template_code = models.CharField(max_length=60)
    worker = models.CharField(max_length=100)
    intent_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=12, blank=True)
    code = models.CharField(max_length=20, blank=True)  # the receiver's: HTTP 201, 139 …
    reason_code = models.CharField(max_length=60, blank=True)

    class Meta:
        indexes = [models.Index(fields=["connection", "encounter_bidx"], name="population_of_visit")]

    def __str__(self) -> str:
        return f"{self.delivery_id}: {self.template_code}"
