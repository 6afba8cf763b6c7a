"""The 140-pool soil carbon model of CLM5: 7 pools in 20 layers at steady state.

`prepare` brings a forcing to sites, `solve` eliminates layers with derivatives by the adjoint,
`observe` reads carbon at a depth.
"""

from sciren.decoders.clm5.balance import Balance as Balance
from sciren.decoders.clm5.decoder import CLM5SoilCarbon as CLM5SoilCarbon
from sciren.decoders.clm5.decoder import SiteSoilCarbon as SiteSoilCarbon
from sciren.decoders.clm5.forcing import CLM5Forcing as CLM5Forcing
from sciren.decoders.clm5.forcing import usable_sites as usable_sites
from sciren.decoders.clm5.synthetic import draw_forcing as draw_forcing
