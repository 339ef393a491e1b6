"""Medical code systems as a practice uses them: ICD-10-CM lists, drug codes and the crosswalk to eCW's drugs."""
