import EntityView from './entity';

export default function OrganisationPage({ entity }: { entity: string }) {
  return <EntityView key={entity} entity={entity} kind="organisations" />;
}
