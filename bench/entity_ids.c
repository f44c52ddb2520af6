/* Entity ids for a load generator: COUNT people spread evenly over the first PEOPLE
 * numbers, one a line. A build numbers people first, so each of them is there.
 *
 * usage: entity_ids PEOPLE COUNT */
#include "platforms/registry/entity/entity.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    uint64_t people, count;
    if (argc != 3 || !ndc_str_to_u64(ndc_str(argv[1]), &people) || people == 0 ||
        !ndc_str_to_u64(ndc_str(argv[2]), &count)) {
        fprintf(stderr, "usage: entity_ids PEOPLE COUNT\n");
        return 2;
    }
    for (uint64_t i = 0; i < count; i++) {
        char id[NDC_ENTITY_ID_LEN + 1];
        ndc_entity_id_format(id, NDC_ENTITY_PERSON, 1 + i * people / count);
        puts(id);
    }
    return 0;
}
