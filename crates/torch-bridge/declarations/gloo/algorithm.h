// Nothing of this header of Gloo is used; see README.md.
#pragma once
