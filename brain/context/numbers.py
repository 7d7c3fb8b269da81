"""The numbers of the context. Odds are natural logarithms: 3.0 is 20:1, 5.3 is 200:1, 6.9 is 1000:1.

Each number says where it comes from. "Assumed" means that nothing has measured it; `benchmarks/household.py --without`
measures what each kind of context is worth in a simulated house.
"""

import math

__all__ = [
    "ARRIVAL_MEMORY",
    "ARRIVAL_ODDS",
    "ARRIVAL_SPREAD",
    "BACKGROUND_PRIOR_COUNT",
    "BACKGROUND_S",
    "BACKGROUND_WINDOW_S",
    "CLOSED_NOBODY_UNKNOWN_LOG_ODDS",
    "COAT_SHARE",
    "COMPANY_ODDS",
    "COMPANY_S",
    "FEW_FACES",
    "FOLLOWS_LOG_ODDS",
    "GAP_EDGES_S",
    "GAP_SHARES",
    "GOES_BACK_LOG_ODDS",
    "GOING_OUT_ODDS",
    "GUEST_ARRIVAL_ODDS",
    "INFRARED_CHROMA",
    "JUST_CAME_IN_S",
    "LEAVING_TOGETHER_ODDS",
    "LEAVING_TOGETHER_S",
    "LEFT_AFTER_S",
    "LEFT_AGAIN_ODDS",
    "LEFT_AGAIN_S",
    "LINK_S",
    "LOG_HOURS",
    "MAX_ARRIVAL_CLOTHES_LOG_ODDS",
    "MAX_CONTINUITY_LOG_ODDS",
    "MAX_DARK_FACE_AGAINST_LOG_ODDS",
    "MAX_FACES_AGAINST_LOG_ODDS",
    "MAX_FACE_AGAINST_LOG_ODDS",
    "MAX_FACE_LOG_ODDS",
    "MAX_HOURS_ODDS",
    "MAX_OUT_HOURS",
    "MIN_HOURS_ODDS",
    "MIN_LINK_LOG_ODDS",
    "MIN_LOOSE_LOG_ODDS",
    "NAMED_INSIDE_LOG_ODDS",
    "NAMED_INSIDE_S",
    "NAME_EXPLAINS_AFTER_S",
    "NOBODY_UNKNOWN_LOG_ODDS",
    "NOT_ADJACENT_LOG_ODDS",
    "NOWHERE_INTRUDER_SHARE",
    "NOWHERE_PRIOR_COUNT",
    "NOWHERE_PRIOR_SHARE",
    "NO_PHONE_SHARES",
    "PHONE_BEFORE_S",
    "PHONE_LOG_ODDS",
    "PRIOR_ARRIVALS",
    "RESOLVE_MIN_CLOTHES_LOG_ODDS",
    "RETURN_GAP_SHARES",
    "RETURN_LOG_ODDS",
    "SAME_ARRIVAL_S",
    "SAME_NAME_LOG_ODDS",
    "SHORT_ABSENCE_S",
    "STALE_S",
    "STILL_HOURS",
    "STILL_LOG_ODDS",
    "UNEXPLAINED_S",
    "UNSEEN_GUEST_WEIGHT",
    "UNSEEN_WEIGHT",
    "UP_HALF_HOURS",
    "WENT_IN_SHARE",
]

# The log of the house reaches this far back: people change their clothes in longer times (assumed).
LOG_HOURS = 12.0

# Continuity: the time between leaving one place and appearing at the next. Shares of the gaps between these edges, for
# a flat with open doors (assumed; each house learns its own from the people it names). Below 0, both cameras see them.
GAP_EDGES_S = (-4.0, 2.0, 5.0, 10.0, 20.0, 40.0, 90.0)
GAP_SHARES = (0.15, 0.25, 0.25, 0.17, 0.11, 0.07)
# The same for coming back to the same place, where nobody is seen before leaving.
RETURN_GAP_SHARES = (0.35, 0.20, 0.15, 0.12, 0.10, 0.08)
# Somebody else appears by chance once in this time while people are up: 150 passes in 16 hours are one in 380 s. The
# visits of the last hour correct it: it begins as if two had come in the time of two. At night hardly anybody appears.
BACKGROUND_S, BACKGROUND_WINDOW_S, BACKGROUND_PRIOR_COUNT = 300.0, 3600.0, 2.0
# A body continues another one's way only from these odds on: 3:1.
MIN_LINK_LOG_ODDS = math.log(3)
# After this time the way of a body is not reconsidered.
LINK_S = GAP_EDGES_S[-1]
# Two visits that were given the same name by their faces: a wrong name is rarer than 1:400 (`brain/verdict/judge.py`).
SAME_NAME_LOG_ODDS = math.log(400)
# Whoever may have been seen elsewhere a moment before, at least at these odds, does not appear from nowhere: 1:3.
MIN_LOOSE_LOG_ODDS = -math.log(3)
# But two visits with one name need not follow each other: that counts up to 1:10 for it (assumed).
FOLLOWS_LOG_ODDS = math.log(10)
# From one place straight to another that is not next to it: 1:20 (assumed: a detector misses 2 to 5 % of passes).
NOT_ADJACENT_LOG_ODDS = -math.log(20)
# Whoever sat so still that the camera sent nothing more is still there when something moves again, for hours: 20:1
# against somebody else who has come in unseen (assumed).
STILL_HOURS, STILL_LOG_ODDS = 3.0, math.log(20)
# Of the people who leave a picture, about one in three comes back to it rather than going on (assumed).
RETURN_LOG_ODDS = -math.log(3)
# Whoever follows a person closely looks like a continuation: one follower in 50 continuations (assumed).
MAX_CONTINUITY_LOG_ODDS = math.log(50)

# Who is in: somebody inside is unknown though nobody unknown was seen to come in, because a detector misses 2 % of
# passes: 1:350 with windows and doors to the garden open, and 1:1000 in mode night and away, when they are closed
# (assumed).
NOBODY_UNKNOWN_LOG_ODDS, CLOSED_NOBODY_UNKNOWN_LOG_ODDS = math.log(350), math.log(1000)
# Who appears at a place without having passed a camera before. For people of the house each place learns its share;
# it starts at 40 %, as if learnt from 5 visits, because a house has more rooms than cameras. For an intruder it is 90 %
# (assumed).
NOWHERE_PRIOR_SHARE, NOWHERE_PRIOR_COUNT, NOWHERE_INTRUDER_SHARE = 0.40, 5.0, 0.9
# The clothes of somebody who was not seen for long count this much beside those of people who are in: of the family,
# and of guests, who are seldom in (assumed).
UNSEEN_WEIGHT, UNSEEN_GUEST_WEIGHT = 0.2, 0.02
# Who comes to an entrance unseen: each member of the family who is out comes home, rather than a stranger comes, 3.5:1,
# a guest 0.7:1; somebody who is in goes out and was missed on the way or has put on a coat there, 2:1 for all of them
# together (assumed: 7 arrivals a week each, 2 visitors or deliveries, and 40 departures of which 10 % are so).
ARRIVAL_ODDS, GUEST_ARRIVAL_ODDS, GOING_OUT_ODDS = 3.5, 0.7, 2.0
# Clothes count little for an arrival: thieves and fathers wear dark jackets.
MAX_ARRIVAL_CLOTHES_LOG_ODDS = 1.8
# Somebody who comes home without the phone that tells when they do: seconds after the arrival, and how often the phone
# has not told it by then (assumed: most report within a minute before or after it, one in ten late or never).
NO_PHONE_SHARES = ((0.0, 0.6), (90.0, 0.15), (300.0, 0.08), (600.0, 0.04))
# The hours of coming home: a half hour counts for those around it; a person's day begins as if learnt from two arrivals
# at any time at which people are up; an arrival counts half after 23 more. At most 8:1 and at least 1:2, because habits
# change and have exceptions (assumed).
ARRIVAL_SPREAD = (1 / 9, 2 / 9, 3 / 9, 2 / 9, 1 / 9)
PRIOR_ARRIVALS, UP_HALF_HOURS, ARRIVAL_MEMORY = 2.0, 30.0, 0.97
MIN_HOURS_ODDS, MAX_HOURS_ODDS = 0.5, 8.0
# A phone that was away for less has lost its connection; and two arrivals so near to each other are one.
SHORT_ABSENCE_S, SAME_ARRIVAL_S = 1200.0, 1200.0
# Whoever is out changes clothes as often as somebody at home in this time: elsewhere there is no wardrobe (assumed).
MAX_OUT_HOURS = 2.0
# Whoever goes out is seen nowhere inside in this time after; of strangers who come in that is true in one of 15. One in
# five turns back and is seen inside (assumed).
LEFT_AGAIN_S, LEFT_AGAIN_ODDS, WENT_IN_SHARE = 20.0, 15.0, 0.2
# Whoever came in less than this long ago goes out again in one case of 20 (assumed).
JUST_CAME_IN_S, GOES_BACK_LOG_ODDS = 120.0, -math.log(20)
# People leave together: if somebody of the house has left within this time, another one leaves three times as often
# (assumed).
LEAVING_TOGETHER_S, LEAVING_TOGETHER_ODDS = 120.0, 3.0
# At an entrance coats are put on and off: one person in three looks different before and after (assumed).
COAT_SHARE = 0.35

# Presence: a phone comes home between this long before its owner and the end of the entry delay. By chance one of 10
# arrivals a day does so within 150 s in 1 of 58 cases.
PHONE_BEFORE_S, PHONE_LOG_ODDS = 150.0, math.log(58)

# Somebody who was out is named inside within this time after an unknown body came in, and was not seen to come in
# otherwise: at most 50:1, because a detector misses 2 % of passes (assumed).
NAMED_INSIDE_S, NAMED_INSIDE_LOG_ODDS = 180.0, math.log(50)

# Company: comes in within this time of somebody who is named: 2:1 for each of the family who is out (assumed; burglars
# follow, too). It counts instead of the hours: who comes home with another one comes at the other's hour.
COMPANY_S, COMPANY_ODDS = 20.0, 2.0

# Faces that do not decide count for somebody up to 400:1, what a name needs, and against everybody up to 1:10: nearly
# half of the visits with one to three faces do not name the person they show (`benchmarks/visits.py`, shape cam 1-3).
# More than three count against everybody up to 1:20 (assumed). In infrared light faces are unlike photos by day: 62 of
# 80 grey pictures of family left the verdict open. There, and at night in any light,
# they count 1:2 at most against.
MAX_FACE_LOG_ODDS, MAX_FACE_AGAINST_LOG_ODDS = math.log(400), math.log(10)
FEW_FACES, MAX_FACES_AGAINST_LOG_ODDS = 3, math.log(20)
INFRARED_CHROMA, MAX_DARK_FACE_AGAINST_LOG_ODDS = 0.1, math.log(2)

# Whoever was last seen at an entrance, this long ago, has left.
LEFT_AFTER_S = 60.0
# Where somebody is who was not named for this long is not known (assumed).
STALE_S = 36000.0
# A name explains an unknown body only if its person was not seen for this long before.
NAME_EXPLAINS_AFTER_S = 1800.0
# A name explains an unknown arrival only if the clothes do not disagree by more than 1:3.
RESOLVE_MIN_CLOTHES_LOG_ODDS = -math.log(3)
# Somebody unknown is forgotten after this time without a sight of them: the alert has rung, and a house in which nobody
# is ever calmed again rings at everybody.
UNEXPLAINED_S = 900.0
