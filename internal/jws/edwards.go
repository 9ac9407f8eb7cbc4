package jws

import (
	"math/big"
	"slices"
)

// The field and the constant of the curve -x² + y² = 1 + dx²y² (RFC 8032 section 5.1).
var (
	fieldPrime   = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 255), big.NewInt(19))
	edwardsConst = func() *big.Int {
		d := new(big.Int).ModInverse(big.NewInt(121666), fieldPrime)
		return d.Mod(d.Mul(d, big.NewInt(-121665)), fieldPrime)
	}()
)

// soundEdwards25519 reports whether an encoded public key is a point of the
// curve in its canonical encoding, and not one of the eight points of small
// order, for which anybody can sign. crypto/ed25519 looks at the first only when
// the key is used, and at the last never.
func soundEdwards25519(encoded []byte) bool {
	b := slices.Clone(encoded)
	b[31] &= 0x7f     // the sign of x
	slices.Reverse(b) // little endian
	y, one := new(big.Int).SetBytes(b), big.NewInt(1)
	if y.Cmp(fieldPrime) >= 0 {
		return false
	}
	// x² = (y²-1) / (dy²+1). The denominator is never zero, as -1/d is no square.
	y2 := new(big.Int).Mul(y, y)
	under := new(big.Int).Mul(edwardsConst, y2)
	under.ModInverse(under.Add(under, one), fieldPrime)
	x2 := new(big.Int).Sub(y2, one)
	x2.Mod(x2.Mul(x2, under), fieldPrime)
	if big.Jacobi(x2, fieldPrime) != 1 {
		return false // no point has this y, or x is 0: order 1 or 2
	}
	// Order 4 has y = 0, and doubling a point of order 8 leads there: x² = -y².
	sum := y2.Mod(y2.Add(y2, x2), fieldPrime)
	return y.Sign() != 0 && sum.Sign() != 0
}
