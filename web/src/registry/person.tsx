import EntityView from './entity';

export default function PersonPage({ entity }: { entity: string }) {
  return <EntityView key={entity} entity={entity} kind="persons" />;
}
