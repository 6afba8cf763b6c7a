"""Maps: predictions for every cell of a grid, block by block, within little memory."""
