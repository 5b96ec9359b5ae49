import java.util.Collection;
import java.util.List;
import java.util.Set;
import org.eclipse.edc.connector.controlplane.catalog.spi.policy.CatalogPolicyContext;
import org.eclipse.edc.connector.controlplane.contract.spi.policy.ContractNegotiationPolicyContext;
import org.eclipse.edc.iam.verifiablecredentials.spi.model.VerifiableCredential;
import org.eclipse.edc.participant.spi.ParticipantAgent;
import org.eclipse.edc.participant.spi.ParticipantAgentPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestCatalogPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestContractNegotiationPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestTransferProcessPolicyContext;
import org.eclipse.edc.policy.context.request.spi.RequestVersionPolicyContext;
import org.eclipse.edc.policy.engine.spi.PolicyContext;
import org.eclipse.edc.policy.engine.spi.PolicyEngine;
import org.eclipse.edc.policy.engine.spi.RuleBindingRegistry;
import org.eclipse.edc.policy.model.Permission;
import org.eclipse.edc.runtime.metamodel.annotation.Inject;
import org.eclipse.edc.spi.security.Vault;
import org.eclipse.edc.spi.system.ServiceExtension;
import org.eclipse.edc.spi.system.ServiceExtensionContext;

/**
 * What release 0.14.0 has no setting for: which credentials it asks partners for, the secret of
 * its token service in a vault that starts empty, and one constraint of Catena-X that it decides
 * by a partner's credentials.
 */
public class DataSpaceMember implements ServiceExtension {

    private static final String NUMBER =
            "https://w3id.org/catenax/2025/9/policy/BusinessPartnerNumber";
    private static final String USE = "http://www.w3.org/ns/odrl/2/use";

    @Inject
    private PolicyEngine policies;
    @Inject
    private RuleBindingRegistry bindings;
    @Inject
    private Vault vault;

    @Override
    public void initialize(ServiceExtensionContext context) {
        var settings = context.getConfig("eslabon");
        vault.storeSecret(settings.getString("sts.alias"), settings.getString("sts.secret"));
        var scopes = Set.of(settings.getString("scopes").split(" "));
        ask(RequestCatalogPolicyContext.class, scopes);
        ask(RequestContractNegotiationPolicyContext.class, scopes);
        ask(RequestTransferProcessPolicyContext.class, scopes);
        ask(RequestVersionPolicyContext.class, scopes);
        decide(CatalogPolicyContext.class, CatalogPolicyContext.CATALOG_SCOPE);
        decide(ContractNegotiationPolicyContext.class,
                ContractNegotiationPolicyContext.NEGOTIATION_SCOPE);
    }

    private <C extends RequestPolicyContext> void ask(Class<C> message, Set<String> scopes) {
        policies.registerPostValidator(message, (policy, asking) -> {
            asking.requestScopeBuilder().scopes(scopes);
            return true;
        });
    }

    private <C extends PolicyContext & ParticipantAgentPolicyContext> void decide(
            Class<C> moment, String scope) {
        bindings.bind(USE, scope);
        bindings.bind(NUMBER, scope);
        policies.registerFunction(moment, Permission.class, NUMBER,
                (operator, listed, permission, context) ->
                        texts(listed).stream().anyMatch(numbersOf(context.participantAgent())::contains));
    }

    private static List<String> numbersOf(ParticipantAgent partner) {
        return ((List<?>) partner.getClaims().get("vc")).stream()
                .flatMap(one -> ((VerifiableCredential) one).getCredentialSubject().stream())
                .map(subject -> String.valueOf(subject.getClaim("", "holderIdentifier")))
                .toList();
    }

    private static List<String> texts(Object value) {
        return value instanceof Collection<?> many
                ? many.stream().flatMap(one -> texts(one).stream()).toList()
                : List.of(String.valueOf(value));
    }
}
