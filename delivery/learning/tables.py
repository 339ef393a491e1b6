"""Who learns what, where, since when: all that is kept of a course. What is done in it is looked up, never kept."""

from django.db import models
from django.db.models import Q

from portal.models import Location, Role, User


class Course(models.Model):
    """One person's walk through one role's course, at a location made for it. Ended by finishing or beginning anew."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="courses")
    role = models.CharField(max_length=20, choices=Role)
    location = models.OneToOneField(Location, on_delete=models.PROTECT, related_name="course")
    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)  # when every step was seen to be done

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "role"], condition=Q(ended_at=None), name="one_course_a_role")
        ]

    def __str__(self) -> str:
        return f"{self.role} at {self.location_id}"
