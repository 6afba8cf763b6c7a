"""Numbers of the recipe from climate to soil carbon forcing, each with its source."""

from dataclasses import dataclass
from typing import Literal

from sciren.errors import ConfigError


@dataclass(frozen=True)
class ClimateRecipe:
    """Numbers of `forcing_from_climate`, with unit and source.

    Attributes:
        carbon_share: gC per g of dry matter, commonly 0.45 to 0.5.
        wood_share: of forest NPP that becomes woody debris (Malhi et al. 2011,
            Philosophical Transactions B 366, 3225: 39 +- 10 % of the NPP of tropical
            forests goes to wood; assumed that a quarter of it burns or is taken).
        litter_shares: metabolic, cellulose, lignin part of leaf and root litter (CLM5
            parameter file, lf_flab, lf_fcel, lf_flig, the same for all plant types).
        accumulation: yr, vegetation carbon over NPP without and with trees: biomass over
            production of grassland and savanna, and of closed forests, rounded from
            tables like those of Whittaker and Likens 1975 (Ecological Studies 14).
        aridity: P / PET from which trees begin and all is wooded (classes of the World
            Atlas of Desertification, UNEP: semi-arid from 0.2, humid from 0.65).
        soil_warming: K, soil minus air mean temperature at air means of 0 degC and 20
            degC, linear between (Lembrechts et al. 2022, Global Change Biology 28, 3110:
            +3.6 +- 2.3 in cold or dry, -0.7 +- 2.3 in warm and humid places; the two
            temperatures are this recipe's). The warming is winter's, so the amplitude
            shrinks by it.
        diffusivity: thermal, m2 s-1, between the 1e-7 to 3e-7 measured in forests of the
            COSORE collection and the higher values of moist loam; gives the damping depth.
        thawed_conductivity: W m-1 K-1, and
        ground_ice: volume share, of thawing ground; assumed.
        capacity: mm, soil water that plants can take (assumed; the bucket is that of
            Thornthwaite and Mather 1955).
        water_depth: m, over which the seasons of soil water fade.
        water: "clm5", or "century" for the factor of that model.
        oxygen_floor: scalar in waterlogged soil at depth (mino2lim of the CLM5 parameter
            file, 0.2).
        oxygen_depth: m, over which it is reached.
        nitrogen: scalar of litter decay: 1 / 1.29, after the 29 % by which growth above
            ground rises with nitrogen added (LeBauer and Treseder 2008, Ecology 89, 371).
    """

    carbon_share: float = 0.45
    wood_share: float = 0.3
    litter_shares: tuple[float, float, float] = (0.25, 0.5, 0.25)
    accumulation: tuple[float, float] = (3.7, 25.0)
    aridity: tuple[float, float] = (0.2, 0.65)
    soil_warming: tuple[float, float] = (3.6, -0.7)
    diffusivity: float = 3e-7
    thawed_conductivity: float = 0.8
    ground_ice: float = 0.5
    capacity: float = 150.0
    water_depth: float = 1.0
    water: Literal["clm5", "century"] = "clm5"
    oxygen_floor: float = 0.2
    oxygen_depth: float = 0.3
    nitrogen: float = 0.78

    def __post_init__(self) -> None:
        shares = (
            self.wood_share,
            self.oxygen_floor,
            self.nitrogen,
            *self.litter_shares,
        )
        positive = (
            self.carbon_share, self.diffusivity, self.thawed_conductivity,
            self.ground_ice, self.capacity, self.water_depth, self.oxygen_depth,
        )  # fmt: skip
        if not all(0 <= share <= 1 for share in shares) or not all(
            value > 0 for value in positive
        ):
            raise ConfigError(
                f"{self}: shares lie between 0 and 1, depths, capacity, conductivity and "
                "diffusivity are positive"
            )
        if abs(sum(self.litter_shares) - 1) > 1e-9:
            raise ConfigError(f"litter_shares {self.litter_shares} must add to 1")
        if self.aridity[0] >= self.aridity[1] or self.water not in ("clm5", "century"):
            raise ConfigError(
                f"aridity {self.aridity} must rise and water {self.water!r} be 'clm5' or "
                "'century'"
            )
