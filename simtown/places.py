"""Who lives where: towns, rigs and roles, and the names gt gives to their agents.

The forms of addresses, session names, agent beads and working folders are gt 1.0.1's (internal/session/names.go,
internal/cmd/role.go, internal/beads/agent_ids.go).
"""

from dataclasses import dataclass

from simtown.clock import at

TOWN_ROLES = ("mayor", "deacon", "boot", "dog")
RIG_ROLES = ("witness", "refinery", "crew", "polecat")
ROLES = TOWN_ROLES + RIG_ROLES


@dataclass(frozen=True)
class Rig:
    """A project in a town. `startup` is the unit of consent it belongs to; `database` its beads database."""

    name: str
    prefix: str
    database: str
    project_id: str
    startup: str
    polecats: tuple[str, ...]
    crew: tuple[str, ...]
    has_metadata: bool = True
    is_copy: bool = False


@dataclass(frozen=True)
class Place:
    """A town. `offsets`: (from ms, hours) of its server's local time. `numeric_ids`: its beads exports are of the old shape."""

    name: str
    town_name: str
    user: str
    owner: str
    person: str
    project_id: str
    created_at: str
    rigs: tuple[Rig, ...]
    offsets: tuple[tuple[int, int], ...]
    extra_roots: tuple[str, ...]
    numeric_ids: bool
    is_pruned: bool

    @property
    def recorded_root(self) -> str:
        """The town's root as its agents saw it."""
        return f"/home/{self.user}/gt"

    def offset_hours(self, ms: int) -> int:
        """Hours that the server's local time is ahead of UTC."""
        return next(hours for since, hours in reversed(self.offsets) if ms >= since)

    @property
    def own_rigs(self) -> tuple[Rig, ...]:
        """Rigs whose agents live in this town (a copied database has none here)."""
        return tuple(rig for rig in self.rigs if not rig.is_copy)


@dataclass(frozen=True)
class Agent:
    """One address: a role in a town, in a rig for rig roles, with a name for crews, polecats and dogs."""

    role: str
    rig: Rig | None = None
    name: str = ""

    @property
    def address(self) -> str:
        """Actor name in beads and events."""
        if self.rig is None:
            return {"boot": "deacon-boot", "dog": f"deacon/dogs/{self.name}"}.get(self.role, self.role)
        place = {"crew": f"crew/{self.name}", "polecat": f"polecats/{self.name}"}.get(self.role, self.role)
        return f"{self.rig.name}/{place}"

    @property
    def folder(self) -> str:
        """Working folder relative to the town's root."""
        if self.rig is None:
            return {"boot": "deacon/dogs/boot", "dog": f"deacon/dogs/{self.name}"}.get(self.role, self.role)
        rig = self.rig.name
        return {
            "witness": f"{rig}/witness",
            "refinery": f"{rig}/refinery/rig",
            "crew": f"{rig}/crew/{self.name}",
            "polecat": f"{rig}/polecats/{self.name}/{rig}",
        }[self.role]

    @property
    def tmux(self) -> str:
        """The tmux session's name: the same for every session of this address, for ever."""
        if self.rig is None:
            return f"hq-dog-{self.name}" if self.role == "dog" else f"hq-{self.role}"
        prefix = self.rig.prefix
        return {"crew": f"{prefix}-crew-{self.name}", "polecat": f"{prefix}-{self.name}"}.get(self.role, f"{prefix}-{self.role}")

    @property
    def bead(self) -> str:
        """Id of the agent's own bead; boot uses the deacon's."""
        if self.rig is None:
            return "hq-deacon" if self.role == "boot" else self.tmux
        tail = f"-{self.name}" if self.name else ""
        return f"{self.rig.prefix}-{self.rig.name}-{self.role}{tail}"

    @property
    def recipient(self) -> str:
        """How a startup beacon names the agent."""
        if self.rig is None:
            return f"dog {self.name}" if self.role == "dog" else self.role
        return f"{self.role} {self.name} (rig: {self.rig.name})" if self.name else f"{self.role} (rig: {self.rig.name})"


_MILL = "3f6f2f0e-52b1-4a0a-9d0c-7a31c2a4e0b7"


def places(count: int) -> tuple[Place, ...]:
    """The first `count` towns. Beyond the second they repeat the second with other names, ids and owners."""
    alpha = Place(
        name="alpha",
        town_name="gt",
        user="mirela",
        owner="mirela.kovac@harborlight.example",
        person="Mirela Kovac",
        project_id="8a2d9c34-6a0f-4f6e-8f52-0d5c1be7a911",
        created_at="2025-12-28T20:13:54.017806899Z",
        rigs=(
            Rig("sfgastown", "sf", "sfgastown", "51c6a6de-7f0b-4c83-b5bb-96f3de1a7c02", "sfgastown",
                ("furiosa", "nux", "capable", "slit", "toast"), ("max", "joe")),
            Rig("lantern_api", "la", "lanternapi", "b0b3d8b5-1d1f-4a53-8f7e-2f4f6f1f9a33", "lantern",
                ("rictus", "dag", "ace"), ("ida",), has_metadata=False),
            Rig("mill", "ml", "mill", _MILL, "mill", ("opal", "quartz"), ("bert",)),
        ),
        offsets=((0, 11), (at(2026, 4, 4, 16), 10)),
        extra_roots=(),
        numeric_ids=True,
        is_pruned=True,
    )  # fmt: skip
    beta = Place(
        name="beta",
        town_name="gt",
        user="tobin",
        owner="tobin.ashe@quarrytown.example",
        person="Tobin Ashe",
        project_id="d77f4b11-09ce-4ddc-9a3e-45d26f0a1c58",
        created_at="2026-01-02T08:41:07.250113400Z",
        rigs=(
            Rig("orchard", "or", "orchard", "e9a1b7c2-4d3f-4b8a-a1c0-6f2d8e5b9a14", "orchard",
                ("pear", "quince", "medlar"), ("olga",)),
            Rig("ferry", "fe", "ferry", "0c4e8f6a-2b7d-4e91-8c35-1a9f7d3e5b60", "harbour", ("kite", "tern"), ("finn",)),
            Rig("mill", "ml", "mill", _MILL, "mill", (), (), is_copy=True),
        ),
        offsets=((0, -8), (at(2026, 3, 8, 10), -7)),
        extra_roots=("/srv/oldbox/gt",),
        numeric_ids=False,
        is_pruned=False,
    )  # fmt: skip
    more = []
    for number in range(3, count + 1):
        rigs = tuple(
            Rig(f"{rig.name}{number}", f"{rig.prefix}{number}", f"{rig.database}{number}", f"{rig.project_id[:-4]}{number:04d}",
                f"{rig.startup}{number}", rig.polecats, rig.crew)
            for rig in beta.own_rigs
        )  # fmt: skip
        more.append(
            Place(f"town{number}", "gt", f"tobin{number}", f"tobin{number}.ashe@quarrytown.example", f"Tobin Ashe {number}",
                  f"{beta.project_id[:-4]}{number:04d}", f"2026-01-02T08:41:07.{number:09d}Z", rigs, beta.offsets, (), False, False)
        )  # fmt: skip
    return (alpha, beta, *more)[:count]
