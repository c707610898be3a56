/* network/tokens/exponential.h -- e^x that is the same on every host.
 *
 * Libraries of mathematics differ in the last bit of exp(). Here x = k ln 2 + r with r of at most
 * ln 2 / 2, and e^r is Taylor's polynomial of degree 13, all in doubles that are added, multiplied
 * and rounded in a stated order, without fused steps. What the polynomial leaves out is below 2^-57
 * of e^r.
 */
#ifndef NETWORK_TOKENS_EXPONENTIAL_H
#define NETWORK_TOKENS_EXPONENTIAL_H

/* e^x of an x up to 0, within 2^-52 of itself; 0 below -708, and of a NaN. */
double exponential(double x);

#endif
