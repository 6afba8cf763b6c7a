"""Parameters of the two variants of COMPAS: bounds, units and what is learned at first.

Bounds are those of the published lists of parameters; variant B has a second list, of its
run for whole profiles, whose other bounds stand in the comments.
"""

from sciren.parameters import Parameter

LATENT = ("efolding", "tau4poc", "tau4maom", "w_scaling")
"""What profiles of carbon say most about, as of the same four of CLM5; the rest is fixed at
the middle of its bounds until it is declared otherwise."""

Row = tuple[str, float, float, str, str]

COMMON: tuple[Row, ...] = (
    ("diffus", 3e-5, 5e-4, "m2 yr-1", "bioturbation diffusivity"),
    ("cryo", 3e-5, 1.6e-3, "m2 yr-1", "cryoturbation diffusivity"),
    ("q10", 1.2, 3.0, "1", "decomposition, factor per 10 degrees of warming"),
    ("efolding", 0.1, 1.0, "m", "e-folding depth of decomposition"),
    ("w_scaling", 1e-4, 5.0, "1", "multiplier of the water scalar"),
    ("beta", 0.5, 0.9999, "1", "depth distribution of inputs, per cm"),
    ("tau4cwd", 1.0, 6.0, "yr", "turnover time of coarse woody debris"),
    # Variant B begins at 0 in its list, where the rate is infinite.
    ("tau4l1", 1e-4, 0.11, "yr", "turnover time of metabolic litter"),
    ("tau4l2", 0.1, 0.3, "yr", "turnover time of structural litter"),
    ("tau4doc", 1e-4, 1.0, "yr", "turnover time of dissolved organic carbon"),
    ("tau4mic", 1e-4, 1.0, "yr", "turnover time of microbes"),
)
ONLY_A: tuple[Row, ...] = (
    ("tau4poc", 1.0, 30.0, "yr", "turnover time of particulate carbon"),
    ("tau4maom", 80.0, 200.0, "yr", "turnover time of mineral-associated carbon"),
    ("fl1_doc", 0.1, 0.8, "1", "metabolic litter to dissolved carbon"),
    ("fl1_mic", 0.05, 0.6, "1", "metabolic litter that microbes take up"),
    ("fl2_mic", 1e-4, 0.4, "1", "structural litter that microbes take up"),
    ("fl2_maom", 1e-4, 0.15, "1", "structural litter to mineral-associated carbon"),
    ("fmic_doc", 0.3, 0.8, "1", "microbes to dissolved carbon"),
    ("fmic_poc", 1e-4, 0.4, "1", "microbes to particulate carbon"),
    ("fpoc_doc", 0.5, 0.8, "1", "particulate to dissolved carbon"),
    ("cue_l1", 1e-4, 0.7, "1", "efficiency of microbes on metabolic litter"),
    ("cue_l2", 1e-4, 0.4, "1", "efficiency of microbes on structural litter"),
    ("cue_doc", 1e-4, 0.5, "1", "efficiency of microbes on dissolved carbon"),
)
ONLY_B: tuple[Row, ...] = (
    ("tau4poc", 1.0, 10.0, "yr", "turnover time of particulate carbon"),
    ("tau4maom", 1.0, 200.0, "yr", "turnover time of mineral-associated carbon"),
    ("fl1_mic", 1e-4, 0.4, "1", "metabolic litter that microbes take up"),
    # whole profiles: at most 0.15
    ("fl2_poc", 1e-4, 0.5, "1", "structural litter to particulate carbon"),
    # whole profiles: at most 0.75 and 0.25
    ("fmic_poc", 0.1, 0.5, "1", "microbes to particulate carbon"),
    ("fmic_maom", 1e-4, 0.5, "1", "microbes to mineral-associated carbon"),
    # whole profiles: at most 0.1
    ("fdoc_maom", 1e-4, 0.2, "1", "dissolved to mineral-associated carbon"),
    ("cue_l1", 1e-4, 0.6, "1", "efficiency of microbes on metabolic litter"),
    ("cue_l2", 1e-4, 0.4, "1", "efficiency of microbes on structural litter"),
    ("cue_doc", 0.1, 0.99, "1", "efficiency of microbes on dissolved carbon"),
)


def declared(rows: tuple[Row, ...]) -> list[Parameter]:
    """Return the declarations of a list: four latents, the rest fixed in the middle."""
    return [
        Parameter(
            name, low, high, unit, meaning,
            "latent" if name in LATENT else "fixed",
            None if name in LATENT else (low + high) / 2,
        )
        for name, low, high, unit, meaning in rows
    ]  # fmt: skip
