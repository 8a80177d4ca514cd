"""What the original lab of 2021 got wrong about receptive fields, as data to check."""

#: The original's closed form with dilation. Its product runs to l where it has to stop at
#: l − 1, so that each layer counts its own stride: 243 for VGG16, where 212 is right.
ORIGINAL_DILATION_FORMULA = "1 + Σ_{l=1}^{L} d_l (k_l − 1) ∏_{i=1}^{l} s_i"
