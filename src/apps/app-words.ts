const words = (text: string): readonly string[] => text.trim().split(/\s+/);

/** What an app may be like; each with a noun makes a name. */
export const adjectives = words(`
  able airy amber ample apt aquatic arctic ardent autumn azure balmy bold bonny bouncy brave breezy bright brisk bubbly calm candid
  caring cheery chipper civil clean clear clever coastal cobalt comfy copper coral cosmic cozy crisp curious dapper daring dawning
  deft dewy doughty dreamy eager early earnest easy elated epic even fabled fair famous fancy fearless fertile festive fine fleet
  floral fluent flying fond frank free fresh friendly frosty gallant genial gentle gifted giving glad gleeful golden graceful grand
  great green handy happy hardy hearty helpful honest hopeful humble ideal indigo ivory jade jaunty jolly jovial joyful keen kind
  lasting leafy level light lilac lively loyal lucid lucky lunar lush mellow merry mighty mild mindful misty modest mossy neat
  nimble noble nordic normal novel orderly patient peppy placid playful plucky polar polite proud prudent pure quick quiet quirky
  rapid ready regal robust rosy rustic sage sandy serene sharp shiny silent silver simple sleek smart smooth snowy snug solar solid
  sparkly speedy spry stable starry steady stellar sterling sunny super supple swift tame tender thrifty tidy tranquil trusty upbeat
  vivid warm wavy willing wise witty woven zesty
`);

/** Things of sea, sky and land. */
export const nouns = words(`
  acorn albatross alder anchor anemone apricot aspen aurora badger bamboo barge basil bay beacon beech birch blossom boat bonfire
  bramble breeze brook buoy cabin canal canoe canyon cape cedar cherry cliff clipper cloud clover coast comet compass coral cove
  crane creek crest cutter dahlia daisy deck delta dolphin dory dove dune eagle egret elm ember estuary falcon feather fern ferry
  finch fjord forest fountain galaxy galley garden geyser glacier glade grove gull hamlet harbor harvest hazel heather heron hill
  horizon iceberg iris island ivy jasmine jetty jib juniper kayak kelp kestrel ketch kite lagoon lake lantern lark laurel lava
  lighthouse lily linden lotus lynx maple marina marlin marsh mast meadow meteor mist moon moss mountain nectar oak oasis ocean
  orca orchard orchid osprey otter owl palm pebble pelican peony pier pine planet plover pond poplar poppy port prairie puffin quay
  quill raft rain raven reed reef ridge rigging river robin rose rudder sail salmon sandbar schooner sea seal shell shore skiff sky
  sloop snowdrop spar sparrow spring sprout spruce squall star stream summit sunset swallow swan tern thistle tide tiller trail
  tulip tundra valley vessel violet voyage walrus water wave whale wharf willow wind wren yacht yarrow zephyr
`);
