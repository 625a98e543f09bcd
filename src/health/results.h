/* The last 32 results of a check, as bits. Pure, 5 bytes. */
#ifndef SVCD_HEALTH_RESULTS_H
#define SVCD_HEALTH_RESULTS_H

#include <stdbool.h>
#include <stdint.h>

#define RESULTS_MAX 32

struct results {
	uint32_t passes; /* bit 0: the last one passed */
	uint8_t n;       /* how many there are; bits above are 0 */
};

void results_add(struct results *r, bool pass);
uint32_t results_passes(const struct results *r, uint32_t last); /* of so many last ones
								  */
uint32_t results_seen(const struct results *r, uint32_t last); /* last, but not more than
								  there are */

#endif
