// Couplet
