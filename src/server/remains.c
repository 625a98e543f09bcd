#include "server/remains.h"

#include "base/clock.h"
#include "net/tls.h"

uint64_t certificate_left_ms(const struct tls *tls)
{
	int64_t left_s = tls_valid_for_s(tls);

	return left_s > 0 ? (uint64_t)left_s * 1000 : 0;
}

uint64_t checkpoint_age_ms(const struct replica_status *s)
{
	uint64_t wall_ms = clock_wall_ms();

	return wall_ms > s->checkpoint_wall_ms ? wall_ms - s->checkpoint_wall_ms : 0;
}
