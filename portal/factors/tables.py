"""The tables of the second factor and of emergency access. None holds a seed or a code in clear."""

from django.db import models

from portal import crypto


class SecondFactor(models.Model):
    """A person's authenticator (TOTP, RFC 6238); not in force until a code of it was typed once."""

    user = models.OneToOneField("portal.User", on_delete=models.CASCADE, primary_key=True, related_name="second_factor")
    sealed_seed = models.BinaryField()
    last_step = models.BigIntegerField(default=-1)  # of the last code taken: none is taken twice
    made_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"second factor of {self.pk}"

    def seed(self) -> bytes:
        """The opened seed; never shown but to its person while it is set up."""
        return crypto.unseal(self.sealed_seed, table="secondfactor", column="seed", row=self.pk)


class RecoveryCode(models.Model):
    """One of ten codes that stand in for the authenticator, each once. Kept as an HMAC bound to its person."""

    user = models.ForeignKey("portal.User", on_delete=models.CASCADE, related_name="recovery_codes")
    mac = models.CharField(max_length=32)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "mac"], name="recovery_code_once")]

    def __str__(self) -> str:
        return f"recovery code {self.pk}"


class EmergencyAccess(models.Model):
    """One hour in which somebody worked by their local account although the sign-in service is required."""

    user = models.ForeignKey("portal.User", on_delete=models.PROTECT, related_name="+")
    practice = models.ForeignKey("portal.Practice", on_delete=models.PROTECT, related_name="emergencies")
    reason = models.CharField(max_length=200)
    opened_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    tell_after = models.DateTimeField(null=True, blank=True)  # when others are told by mail; none: they have been
    reviewed_by = models.ForeignKey("portal.User", on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    reviewed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"emergency access {self.pk}"
