"""Whose turn is it?  Whoever's is due, by a clock that would serve everybody at once.

Beside the real device runs an ideal one that divides itself among all who want something: among
groups by their weights, within a group by its members' (fairclock.py).  What the real device gives
to somebody is charged to them, in seconds by weight: ahead, when a chunk of a job is taken, and
corrected when the chunk has ended, loading of weights included.  A job is *due* at the time at
which the ideal device would have come to it, and the next one is whatever is due first, after three
bounded handicaps (choice.py): a detour for cold models, a bypass for newcomers, a slice for what
has begun.  Between two chunks a job may be parked on its seat for another.

What follows:
  - Time away earns no credit: whoever comes back is set to the clock.  Debt stays, as a ghost that
    the clock has to pass; debt that nobody was kept waiting by is forgiven; credit that somebody
    leaves behind goes to the others.
  - A prediction counts until the end of its chunk, so a wrong one is worth a chunk.
  - Nobody waits for a long job, and nobody is starved by any number of newcomers.

Invariant: what is owed to all together, plus what is charged ahead and not drawn yet, less what the
clock ran for work that was lost (`_early`), is what was forgiven less what was limited
(`_limit_credit`) or left to nobody.  From it and the handicaps come the bounds, in seconds of the
device; N seats, n people, c the longest chunk with its swap, R = slice + nearly + c, S the seconds
to load every wanted model once, O = N * (express + affinity * S):

  B1  nobody is further ahead of the ideal than share * O + N * R + c, share being the largest they
      had; plus, where only the last place for a parked job was free, which is kept for short
      ones, what the job that had to end first still needed
  B2  nobody is further behind than all others are ahead, together
  B3  two who keep waiting are served alike, by weight w and part p of the device, up to
      2 * O / p + (R + c) * (1 / w1 + 1 / w2); plus, by weight, the same as in B1
  B4  who comes without debt waits at most (2 * O + 2 * n * R + N * c) / N seconds, n being those
      who were there: no later arrival can lengthen it

`tests/test_queue_bounds.py` holds the queue to B1, B3 and B4 and to a plain twin; the simulator
measures it against others (docs/fairness.md).

No clock, no I/O, no randomness: the same calls in the same order give the same jobs.  A decision
costs O(log n) on average, times the models that are waited for.

Sources: generalised processor sharing (Parekh and Gallager, 1993) in two levels, as in H-WF2Q+
(Bennett and Zhang, 1997); start-time fair queueing (Goyal, Vin and Cheng, 1996); staying warm
within a bound (MQFQ-Sticky, 2025; DLPM, 2025); ghosts (delayed dequeue in Linux' EEVDF); charging
at admission (Kubernetes' Kueue, KEP-4136).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from generation.errors import GenerationError
from generation.job import AnyJob, GroupId, JobId, UserId
from generation.queue.accounts import Account, Accounts
from generation.queue.choice import Choice, Chooser, Rules
from generation.queue.fairclock import EVEN, FairClock
from generation.queue.forecast import ExpectedTurn, ImaginedSeat, play
from generation.queue.people import Parking, Person, Work
from generation.queue.seat import Seat, SeatId

__all__ = [
    "Account",
    "Accounts",
    "FairQueue",
    "QueueFull",
    "Rules",
    "Seat",
    "SeatId",
]


RULES = Rules()
REPLAYED = 128  # waiting jobs whose turn is forecast by the rules themselves


class QueueFull(GenerationError):
    """One person has enough waiting: `waiting` and `limit` count `what`, "jobs" or "seconds"."""

    def __init__(self, waiting: int, limit: int, what: str) -> None:
        super().__init__(f"{waiting} {what} would wait for one person; the limit is {limit}")
        self.waiting, self.limit, self.what = waiting, limit, what


class TooLong(GenerationError):
    """One job would take `seconds`, and `limit` is all that one person may have waiting."""

    def __init__(self, seconds: float, limit: float) -> None:
        super().__init__(f"one job of {seconds:.0f} s; the limit for one person is {limit:.0f} s")
        self.seconds, self.limit = seconds, limit


class FairQueue:
    """Jobs in waiting, jobs begun, and the accounts of their owners."""

    def __init__(
        self,
        *,
        rules: Rules = RULES,
        seats: int = 1,
        max_jobs_per_user: int = 16,
        max_seconds_per_user: float = 1800.0,
    ) -> None:
        self.rules = rules
        self._max_jobs, self._max_seconds = max_jobs_per_user, max_seconds_per_user
        self._clock = FairClock()
        self._chooser = Chooser(rules, seats, self._clock)
        self._early = 0.0  # seconds for which the clock ran although nobody was served, so far
        self._now = 0.0
        self._people: dict[tuple[GroupId, UserId], Person] = {}
        self._returning: list[Person] = []  # restored, and perhaps without a job
        self._waiting: dict[JobId, tuple[Person, AnyJob]] = {}
        self._begun: dict[JobId, Work] = {}
        self._owned: dict[UserId, dict[JobId, AnyJob]] = {}  # waiting or begun

    def __len__(self) -> int:
        return len(self._waiting) + len(self._begun) - len(self._chooser.running)

    @property
    def seats(self) -> int:
        """How many devices there are; the windows grow with them.  They may come and go."""
        return self._chooser.seats

    @seats.setter
    def seats(self, count: int) -> None:
        self._chooser.seats = max(count, 1)

    # -- coming and going ------------------------------------------------------------------

    def room_for(self, owner: UserId, costs: Sequence[float]) -> None:
        """Raise QueueFull when these jobs are too much for one person, in all groups together.

        `put` refuses nobody: what is stored as a ticket must find its place again after a restart.
        A single job may take as long as all that one person may have waiting: TooLong.
        """
        if costs and max(costs) > self._max_seconds:
            raise TooLong(max(costs), self._max_seconds)
        costs = [*(job.cost for job in self.waiting_of(owner)), *costs]
        jobs, seconds = len(costs), sum(costs)
        if jobs > self._max_jobs:
            raise QueueFull(jobs, self._max_jobs, "jobs")
        if seconds > self._max_seconds:
            raise QueueFull(math.ceil(seconds), math.floor(self._max_seconds), "seconds")

    def put(self, job: AnyJob, now: float, *, refund: float = 0.0) -> None:
        """Let a job wait at the end of its owner's line.  Its weights hold from now on.

        `refund`: seconds that were paid for it before, when it had ended and its picture was lost.
        """
        share = job.share
        if not all(0.0 < x < math.inf for x in (job.cost, share.weight, share.group_weight)):
            raise ValueError(f"job {job.id}: cost and weights must be positive and finite")
        if job.id in self._waiting or job.id in self._begun:
            raise ValueError(f"job {job.id} is here already")
        self._tick(now)
        person = self._person_of(job)
        person.tag -= refund / person.weight
        self._early += refund
        self._line_up(person, job)

    def take(self, seat: Seat, now: float) -> AnyJob | None:
        """What this seat is to draw now, being idle or at the end of a chunk.

        It may be the job of that chunk again, one that is parked on this seat, or a waiting one.
        The owner is charged for the next chunk ahead, swap included.
        """
        self._tick(now)
        if self._returning:
            self._forget_the_absent()
        self._forgive()
        place = self._chooser.place(seat)
        choice = self._chooser.choose(place)
        if choice is None:
            place.current = None
            return None
        work = choice.work or self._begin(choice, place)
        place.unpark(work)
        place.current = None
        work.charged = min(self.rules.chunk, work.left) + seat.swap_seconds(work.job.needs)
        work.clocked, work.since = 0.0, now
        work.person.tag += work.charged / work.person.weight
        self._chooser.running[work.job.id] = work
        self._touch(work.person)
        return work.job

    def settle(self, job_id: JobId, seconds: float, now: float, *, left: float | None) -> None:
        """A chunk has ended: its owner pays what it took, swap included.

        `left` are the predicted seconds still to come, and the job is parked on its seat until it
        is taken again; with None it has ended, be it while it was parked.
        """
        if not 0.0 <= seconds < math.inf:
            raise ValueError(f"{seconds} seconds cannot be paid")
        work = self._begun[job_id]
        person = work.person
        self._tick(now)
        wanted_more = person.waiting > 0 and self._chooser.may_run(person.owner)
        self._chooser.running.pop(job_id, None)
        person.tag += (seconds - work.charged) / person.weight
        self._deliver(seconds - work.clocked)
        work.charged = work.clocked = 0.0
        work.paid += seconds
        work.used += seconds
        person.fresh -= seconds
        if not wanted_more:
            self._limit_credit(person)
        if left is None:
            person.fresh = 0.0
            self._end(work)
        else:
            self._park(work, left)
        self._touch(person)

    def put_back(self, job_id: JobId, now: float) -> None:
        """A begun job lost its worker: all that was paid is refunded, and it waits as before."""
        work = self._begun.pop(job_id)
        person = work.person
        self._tick(now)
        self._chooser.running.pop(job_id, None)
        work.place.unpark(work)
        del person.begun[job_id]
        person.tag -= (work.paid + work.charged) / person.weight
        self._early += work.paid + work.clocked
        self._line_up(person, work.job)

    def cancel(self, job_id: JobId) -> AnyJob | None:
        """Remove a waiting or parked job; None if it runs or is unknown."""
        if job_id in self._chooser.running:
            return None
        if work := self._begun.get(job_id):
            self._end(work)
            self._touch(work.person)
            return work.job
        if job_id not in self._waiting:
            return None
        person, job = self._waiting[job_id]
        self._withdraw(person, job)
        self._disown(job)
        self._touch(person)
        if person.gone:
            self._rest(person)
        return job

    def dismiss(self, seat: SeatId) -> None:
        """The seat is gone, and everything begun on it was put back: it counts no more."""
        if any(work.place.seat.id == seat for work in self._begun.values()):
            raise ValueError(f"{seat} has work")
        self._chooser.places.pop(seat, None)

    # -- looking ---------------------------------------------------------------------------

    def soon(self, seat: Seat, now: float) -> AnyJob | None:
        """What the seat would take if its running job ended now."""
        self._tick(now)
        choice = self._chooser.choose(self._chooser.place(seat))
        if choice is None:
            return None
        return choice.work.job if choice.work else self._chooser.next_of(choice, seat)

    def waiting_of(self, owner: UserId) -> tuple[AnyJob, ...]:
        """One person's waiting and parked jobs, first come first."""
        mine, running = self._owned.get(owner, {}), self._chooser.running
        return tuple(mine[job] for job in sorted(mine) if job not in running)

    def order(self) -> tuple[AnyJob, ...]:
        """All waiting jobs, in the order in which the ideal device would begin them."""
        return tuple(job for _, _, job in self._starts())

    def share_of(self, job_id: JobId) -> float:
        """How many devices its owner gets while things stay as they are: 0.25 is a quarter."""
        begun = self._begun.get(job_id)
        person = begun.person if begun else self._waiting[job_id][0]
        return self._chooser.seats * person.part / self._clock.weight

    def forecast(
        self, seats: Sequence[Seat], busy: Mapping[SeatId, tuple[JobId, float]], now: float
    ) -> Mapping[JobId, ExpectedTurn]:
        """When each job comes; `busy` says what runs where, and for how many seconds more.

        The first REPLAYED jobs by `order`, and all that have begun, are played in advance on a
        copy; those behind them follow in that order, as fast as the first ones went.
        """
        self._tick(now)
        order = self.order()
        first, rest = order[:REPLAYED], order[REPLAYED:]
        left = {work.job.id: work.left for work in self._begun.values()}
        left.update(busy.values())
        models = {job.needs for job in first} | {work.job.needs for work in self._begun.values()}
        imagined = [ImaginedSeat(seat, models) for seat in seats]
        played = play(self._copy(first, imagined, left), imagined, self.rules.slice, dict(left))
        turns = {
            job: ExpectedTurn(
                ahead=0,
                starts_in=played.starts.get(job, 0.0),
                ready_in=played.ends.get(job, seconds),
            )
            for job, seconds in left.items()
        }
        count = max(len(seats), 1)
        begun = sorted(first, key=lambda job: played.starts.get(job.id, math.inf))
        predicted = sum(left.values()) + sum(job.cost for job in first)
        pace = max(played.busy / predicted, 1.0) / count if predicted else 1.0 / count
        at = predicted * pace
        for ahead, job in enumerate(begun):
            start = played.starts.get(job.id, at)
            end = played.ends.get(job.id, start + job.cost)
            turns[job.id] = ExpectedTurn(ahead=ahead, starts_in=start, ready_in=end)
        for ahead, job in enumerate(rest, start=len(begun)):
            turns[job.id] = ExpectedTurn(ahead=ahead, starts_in=at, ready_in=at + job.cost)
            at += job.cost * pace
        return turns

    def accounts(self) -> Accounts:
        """The accounts as if every begun job had been put back, as it will be after a crash."""
        people = {}
        for key, person in self._people.items():
            unpaid = sum(work.paid + work.charged for work in person.begun.values())
            people[key] = Account(
                tag=person.tag - unpaid / person.weight,
                weight=person.weight,
                group_weight=person.group.weight,
            )
        groups = {name: group.read(self._clock.now) for name, group in self._clock.groups.items()}
        return Accounts(groups=groups, people=people)

    def restore(self, accounts: Accounts) -> None:
        """Take over the accounts of an earlier life, before the first `put`.

        Whoever is put again before the first `take` has waited all along.
        """
        for (name, owner), account in accounts.people.items():
            reading = accounts.groups.get(name, 0.0)
            group = self._clock.group(name, account.group_weight, reading)
            person = Person(owner, group, account.weight, account.tag)
            self._clock.enter(person)
            self._people[name, owner] = person
            self._returning.append(person)
            self._early += self._clock.owed(person)
        # What is owed to all together is what the clock ran for jobs that have to begin again.
        self._early = max(self._early, 0.0)

    # -- the clock -------------------------------------------------------------------------

    def _tick(self, now: float) -> None:
        """Let the ideal device serve for as long as the real one has, and at most what is paid."""
        if now <= self._now:
            return
        self._now = now
        for work in self._chooser.running.values():
            seconds = min(now - work.since, work.charged) - work.clocked
            if seconds > 0.0:
                work.clocked += seconds
                self._deliver(seconds)

    def _deliver(self, seconds: float) -> None:
        self._early -= seconds
        if self._early < 0.0:
            self._advance(-self._early)
            self._early = 0.0

    def _advance(self, seconds: float) -> None:
        for ghost in self._clock.advance(seconds):
            assert isinstance(ghost, Person)
            del self._people[ghost.group.name, ghost.owner]

    def _forgive(self) -> None:
        """Where all who wait are in debt, nobody was kept waiting by it."""
        debt = self._chooser.common_debt()
        if 0.0 < debt < math.inf:
            self._advance(debt * self._clock.weight)

    def _limit_credit(self, person: Person) -> None:
        """Whoever could not use more seats than they had cannot save the rest up."""
        excess = self._clock.owed(person) - 2 * self.rules.slice
        if excess > 0.0:
            person.tag += excess / person.weight

    # -- people and their jobs -------------------------------------------------------------

    def _person_of(self, job: AnyJob) -> Person:
        share = job.share
        key = (share.group, job.owner)
        group = self._clock.group(share.group, share.group_weight)
        person = self._people.get(key)
        if person is None:
            person = Person(job.owner, group, share.weight, group.read(self._clock.now))
            person.fresh = self.rules.fresh
            self._people[key] = person
            self._clock.enter(person)
        elif person.gone:
            self._clock.wake(person)
        if person.weight != share.weight:
            self._clock.reweigh(person, share.weight)
        return person

    def _rest(self, person: Person) -> None:
        """Nothing of theirs is left: debt stays, credit goes to the others."""
        owed = self._clock.owed(person)
        if owed < -EVEN:
            self._clock.haunt(person)
        else:
            del self._people[person.group.name, person.owner]
            self._clock.leave(person)
            self._advance(max(owed, 0.0))

    def _forget_the_absent(self) -> None:
        """After a restart: whoever has no job any more has left."""
        returning, self._returning = self._returning, []
        for person in returning:
            # Who cancelled before the first `take` has left already.
            here = self._people.get((person.group.name, person.owner)) is person
            if here and person.gone:
                self._rest(person)

    def _line_up(self, person: Person, job: AnyJob) -> None:
        person.line_up(job)
        self._waiting[job.id] = (person, job)
        self._owned.setdefault(job.owner, {})[job.id] = job
        self._touch(person)

    def _withdraw(self, person: Person, job: AnyJob) -> None:
        person.withdraw(job)
        del self._waiting[job.id]

    def _begin(self, choice: Choice, place: Parking) -> Work:
        person = choice.person
        job = self._chooser.next_of(choice, place.seat)
        person.overtaken = 0 if job is person.first() else person.overtaken + 1
        self._withdraw(person, job)
        work = Work(job=job, person=person, place=place, left=job.cost, tag=person.tag)
        self._begun[job.id] = person.begun[job.id] = work
        return work

    def _park(self, work: Work, left: float) -> None:
        work.left = max(left, 0.0)
        if work.used >= self.rules.slice:
            work.tag, work.used = work.person.tag, 0.0
        work.place.parked[work.job.id] = work
        work.place.current = work

    def _end(self, work: Work) -> None:
        del self._begun[work.job.id], work.person.begun[work.job.id]
        work.place.unpark(work)
        self._disown(work.job)
        if work.person.gone:
            self._rest(work.person)

    def _disown(self, job: AnyJob) -> None:
        mine = self._owned[job.owner]
        del mine[job.id]
        if not mine:
            del self._owned[job.owner]

    def _touch(self, person: Person) -> None:
        self._chooser.touch(person)
        if self.rules.max_running is not None:
            for job in self._owned.get(person.owner, {}).values():
                self._chooser.touch(self._people[job.share.group, person.owner])

    # -- looking ahead ---------------------------------------------------------------------

    def _starts(self) -> list[tuple[float, JobId, AnyJob]]:
        """When the ideal device would begin each waiting job; newcomers' first ones go before."""
        found = []
        bypass = self._chooser.bypass()
        for person in self._people.values():
            tag, ahead = person.tag, bypass if person.fresh > 0.0 else 0.0
            for job in person.jobs():
                found.append((person.group.due(tag) - ahead, job.id, job))
                tag, ahead = tag + job.cost / person.weight, 0.0
        return sorted(found, key=lambda start: start[:2])

    def _copy(
        self, jobs: Sequence[AnyJob], seats: Sequence[Seat], left: Mapping[JobId, float]
    ) -> FairQueue:
        """A queue with these waiting jobs, and every begun one at a boundary on its seat."""
        copy = FairQueue(
            rules=replace(self.rules, chunk=self.rules.slice), seats=self._chooser.seats
        )
        copy._clock = self._clock.copy()
        copy._chooser = Chooser(copy.rules, self._chooser.seats, copy._clock)
        for job in jobs:
            copy._line_up(copy._double(self._waiting[job.id][0]), job)
        for seat in seats:
            known = self._chooser.places.get(seat.id)
            for work in self._begun.values():
                if work.place is known:
                    person = copy._double(work.person)
                    place = copy._chooser.place(seat)
                    twin = replace(work, person=person, place=place, charged=0.0, clocked=0.0)
                    person.begun[work.job.id] = copy._begun[work.job.id] = twin
                    runs = work.job.id in self._chooser.running
                    current = twin if runs else place.current
                    copy._park(twin, left[work.job.id])
                    copy._owned.setdefault(person.owner, {})[work.job.id] = work.job
                    place.current = current
        return copy

    def _double(self, person: Person) -> Person:
        """The person of this queue who stands for one of the queue that it is a copy of."""
        key = (person.group.name, person.owner)
        if key not in self._people:
            group = self._clock.groups[person.group.name]
            double = self._people[key] = Person(person.owner, group, person.weight, person.tag)
            double.fresh, double.overtaken = person.fresh, person.overtaken
        return self._people[key]
