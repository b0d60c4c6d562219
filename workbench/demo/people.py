"""Who works in the building and who visits: names, roles, desks, rhythms. Nobody of them exists."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from workbench.demo import building
from workbench.demo.building import GROUND
from workbench.demo.movement import Gait
from workbench.demo.ways import Habit, Spot

_FIRST_NAMES = """
Aaliyah Abel Adaeze Aiko Alba Alejandro Amara Amina Anders Aneta Anika Anton Arjun Aroha Astrid
Ayumi Beatriz Bence Bilal Bruna Camille Carlos Chidi Chloe Dalia Dario Delphine Dimitri Ebba Edda
Ekene Elif Emeka Enzo Esra Eun-ji Fatima Femi Filip Freya Gabriel Giulia Goran Hana Hassan Henrik
Hiroshi Ibrahim Ida Ilse Imani Ines Ioana Isak Ivan Jamila Jaromir Jin Joana Jonas Kaia Kamala
Karim Katya Kenji Kofi Laila Lars Leila Liam Lin Livia Lucia Luka Mads Maite Malik Marek Mariam
Mateo Mei Mila Milan Mina Mirko Nadia Naoki Nia Nikolai Noor Oksana Olga Omar Oona Otto Paloma
Paolo Petra Pia Priya Rafael Rania Ravi Rosa Runa Sadia Salma Samir Sanna Selma Sina Sofia Soren
Sunita Tadeo Tamar Tariq Teresa Thandi Tomasz Uma Valeria Vera Viktor Wanjiru Wei Xenia Yara
Yasmin Yuki Yusuf Zain Zofia Zoltan
"""
_LAST_NAMES = """
Abara Achterberg Adeyemi Akinci Aldana Almasi Anand Andersson Aoki Arslan Asante Baptiste Barros
Bekele Bellini Bergström Bianchi Boateng Borg Brandt Castillo Chaudhry Chen Cissé Cortez Costa
Dahl Danso Demir Diallo Dobrev Duarte Dubois Ebner Egede Eriksen Estrada Farah Fekete Ferreira
Fischer Fontaine Fujita Gallo García Ghosh Gruber Haddad Hakimi Halvorsen Hartmann Hayashi Hoang
Horvat Ibáñez Ilić Imani Ito Ivanova Jansen Jovanović Juhász Kamara Karlsson Kaur Keita Khalil Kim
Kovač Kowalska Kruger Kumar Laine Larsen Lefèvre Lim Lindgren Lopes Mahlaba Marchetti Markov
Mensah Meyer Miller Molnár Morales Mwangi Nakamura Navarro Ndiaye Nguyen Nkosi Novak Nowak Obi
Okafor Olsen Onyango Ortega Osman Owusu Ozturk Park Patel Pereira Petrov Popescu Quispe Rahimi
Ramos Reyes Rossi Sadiq Salazar Santos Sato Schulz Sharma Silva Singh Sokolov Soto Suzuki Svensson
Szabo Takahashi Tanaka Tembo Teshome Thapa Toth Traoré Varga Vargas Vega Virtanen Wagner Wanjala
Weber Wójcik Yamada Yilmaz Zaman Zhang Zimmer
"""

SERVICE_ROOMS = {
    "reception": (GROUND, "Lobby"), "security": (GROUND, "Workshop"),
    "facilities": (GROUND, "Workshop"), "cleaning": (GROUND, "Cleaning"),
    "canteen": (GROUND, "Canteen"),
}  # fmt: skip
_FULL = {"reception": 4, "security": 6, "facilities": 7, "cleaning": 9, "canteen": 5}
_SMALL = {"reception": 2, "security": 2, "facilities": 3, "cleaning": 3, "canteen": 2}
_WEEKDAY = (0.97, 1.06, 1.05, 1.0, 0.84)  # how many come, against the average, Monday first


@dataclass(frozen=True, slots=True)
class Person:
    """One person of the building, before anything happens.

    ``number`` is what is true of everything; identities of the store are another matter.
    ``arrives``, ``leaves`` are seconds since midnight, ``comes`` the share of days, ``department``
    empty for visitors and deliveries; ``errand`` is guest or courier for who goes no farther than
    the reception.
    """

    number: int
    name: str
    role: str
    department: str
    desk: Spot
    gait: Gait
    height_m: float
    arrives: float
    leaves: float
    days: tuple[bool, ...]
    coffees: float
    lunch: str
    side_door: bool
    errand: str = ""


def everybody(days: int, *, small: bool, rng: np.random.Generator) -> list[Person]:
    """Return the people of the site, by number; the numbers say nothing about who they are."""
    counts = _SMALL if small else _FULL
    staff, visitors, carriers = (29, 60, 9) if small else (200, 150, 19)
    roles = [role for role, n in counts.items() for _ in range(n)]
    roles += ["staff"] * staff + ["visitor"] * visitors + ["delivery"] * carriers
    rng.shuffle(roles)
    names = _names(len(roles), rng)
    rooms = [(s.level, s.name) for s in building.SPACES if s.kind == "office"]
    size = np.array([_area(*room) for room in rooms])
    homes = rng.choice(len(rooms), len(roles), p=size / size.sum())
    return [
        _person(number, names[number], role, rooms[homes[number]], days, rng)
        for number, role in enumerate(roles)
    ]


def _names(n: int, rng: np.random.Generator) -> list[str]:
    first, last = rng.permutation(_FIRST_NAMES.split()), rng.permutation(_LAST_NAMES.split())
    found: dict[str, None] = {}
    while len(found) < n:
        made = f"{first[rng.integers(len(first))]} {last[rng.integers(len(last))]}"
        found.setdefault(made)
    return list(found)


def _area(level: str, name: str) -> float:
    one = building.space(level, name)
    return (one.x1 - one.x0) * (one.y1 - one.y0)


def _person(
    number: int, name: str, role: str, room: tuple[str, str], days: int, rng: np.random.Generator
) -> Person:
    level, home = SERVICE_ROOMS.get(role, room)
    arrives, leaves = _hours(role, rng)
    person = Person(
        number=number,
        name=name,
        role=role,
        department=home if role == "staff" else "",
        desk=spot_in(level, home, rng),
        gait=_gait(role, rng),
        height_m=float(np.clip(rng.normal(1.71, 0.085), 1.5, 1.98)),
        arrives=arrives,
        leaves=leaves,
        days=_days(role, days, rng),
        coffees=float(rng.gamma(2.0, 0.5)),
        lunch=str(rng.choice(["canteen", "out", "desk"], p=[0.4, 0.25, 0.35])),
        side_door=role in ("delivery", "cleaning", "facilities") or rng.random() < 0.14,
    )
    if role == "staff" and rng.random() < 0.12:  # half a day
        return replace(person, leaves=arrives + rng.normal(4.3, 0.4) * 3600)
    return person


def _gait(role: str, rng: np.random.Generator) -> Gait:
    cart = role in ("delivery", "cleaning", "facilities")
    return Gait(
        speed=float(np.clip(rng.normal(1.35, 0.2), 0.85, 1.95)),
        lane=float(np.clip(rng.normal(0.32, 0.3), -0.7, 0.9)),
        habit=Habit(lift=bool(rng.random() < (0.6 if cart else 0.22)),
                    back=bool(rng.random() < (0.85 if cart else 0.08))),
    )  # fmt: skip


def _hours(role: str, rng: np.random.Generator) -> tuple[float, float]:
    if role == "cleaning":
        start = rng.normal(6.4, 0.2)
        return start * 3600, (start + rng.normal(4.5, 0.3)) * 3600
    if role in ("security", "facilities", "reception", "canteen"):
        start = rng.normal(7.3, 0.3)
        return start * 3600, (start + rng.normal(8.8, 0.4)) * 3600
    start = float(np.clip(rng.normal(8.7, 0.65), 6.9, 10.5))
    return start * 3600, min(start + rng.normal(8.5, 0.6), 19.2) * 3600


def _days(role: str, days: int, rng: np.random.Generator) -> tuple[bool, ...]:
    if role in ("visitor", "delivery"):
        once = rng.random() < (0.8 if role == "visitor" else 0.5)
        often = 1 if once else int(rng.integers(2, 4))
        chosen = rng.choice(days, min(often, days), replace=False)
        return tuple(bool(day in chosen) for day in range(days))
    share = 0.82 if role == "staff" else 0.85
    if role == "staff" and rng.random() < 0.12:  # works part of the week
        share = 0.45
    return tuple(bool(rng.random() < share * _WEEKDAY[day % 5]) for day in range(days))


def spot_in(level: str, name: str, rng: np.random.Generator, *, margin: float = 0.9) -> Spot:
    """Return a random spot of a space, away from its walls."""
    one = building.space(level, name)
    x = rng.uniform(one.x0 + margin, one.x1 - margin)
    y = rng.uniform(one.y0 + margin, one.y1 - margin)
    return Spot(level, name, float(x), float(y))
